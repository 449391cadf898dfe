"""What everything stands on and all that a plugin may import: vocabulary, errors, images, files.

It imports nothing of this project but the disclaimer and the version.
"""
