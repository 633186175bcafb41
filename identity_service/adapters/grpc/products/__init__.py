"""One thin translation a product; no decision is taken here."""
