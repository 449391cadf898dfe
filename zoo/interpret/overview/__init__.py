"""What a network does over many images at once, one topic a module: numbers, no pictures.

It may import `zoo.runs` and what is below it.
"""
