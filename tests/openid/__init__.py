"""A certified OpenID provider as the other side of sign-in, and its own proof."""
