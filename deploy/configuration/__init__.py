"""The platform's settings: which there are, whether those given are right, and the file that keeps them."""
