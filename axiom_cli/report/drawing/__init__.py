"""How a page is drawn, whatever it shows: markup from templates, charts, and the sizes of plots."""
