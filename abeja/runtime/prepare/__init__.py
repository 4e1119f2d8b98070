"""What happens before a worker starts: training results are fetched and extracted."""
