"""PDF files by Typst, in the fonts that come with the package."""
