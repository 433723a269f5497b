"""What runs in the user's interpreter: the launcher, the host, and each task's process."""
