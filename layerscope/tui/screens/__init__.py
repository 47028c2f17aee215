"""The screens of the browser, and what they do."""
