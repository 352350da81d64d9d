"""How the window looks: tokens, palette, style sheet, and the one object that applies them."""
