"""Everything that was made, stored under the recipe that made it."""
