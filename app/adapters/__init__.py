"""One outside library a module; each translates its library's errors into ours, once."""
