"""The page of every reason an error can have, made from the contract."""
