"""Memory does not grow with a date: child processes walk small and large ones."""
