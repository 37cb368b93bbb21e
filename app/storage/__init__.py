"""Files that are kept: behind one port, in a folder or in a bucket, with links to them that expire."""
