"""intelligence: what the work adds up to.

Finds anything by any of its words across the rooms below, and measures how exceptions are handled: each figure is one published SQL
definition whose rows can be opened. Changes nothing and says nothing.
"""
