"""Notifications: messages to people, and the signed links they answer by.

Keeps templates (subject, text and HTML in several languages), notices (one message to one person, with its delivery
state) and links. Hears nothing; is asked to `send` and `issue`. Says template.drafted, template.published,
template.retired, notice.queued, notice.attempted, notice.deferred, notice.unknown, notice.delivered, notice.failed,
link.issued, link.used, access.denied.
"""
