"""What operating systems do differently. The rest of layerscope asks these modules, and not the system."""
