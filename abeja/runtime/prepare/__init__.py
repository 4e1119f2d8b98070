"""What happens before a worker starts: training results are extracted, packages installed, an interpreter found."""
