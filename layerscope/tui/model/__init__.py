"""What the browser shows, worked out without a terminal: no module here knows Textual."""
