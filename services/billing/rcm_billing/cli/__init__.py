"""Commands of billing that need no server: `rcm x12`, for people who have a file and a question."""
