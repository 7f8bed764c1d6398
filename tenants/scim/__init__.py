"""SCIM 2.0 (RFC 7643, RFC 7644): a customer's or partner's directory keeps our people in step with its own.

A User is somebody of the key's scope, known by the address that is their userName. A Group is a role that can be given there;
its members hold it. People pushed by a directory hold no role until they are in a group. A person deleted by the directory is
suspended and signed out, since what they did stays on record; pushed again, they are the same person.
"""
