"""The OCI nouns: digest, descriptor, platform, manifest, index, config, history, instruction, image, blob."""
