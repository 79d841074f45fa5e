"""What audit reaches outside its database: the state folder, and the other services' operations API."""
