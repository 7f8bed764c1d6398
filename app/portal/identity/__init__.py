"""Who is there: signing in and out, one's sessions, whom one works for, and acting for a customer."""
