"""Why a streak, a day, a badge or a total is what it is."""
