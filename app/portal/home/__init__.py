"""The customers' own pages: what was ordered, what is late, what they decide."""
