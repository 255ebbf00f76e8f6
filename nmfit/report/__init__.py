"""What people see: sentences, terminal tables and progress, figures, one self-contained page."""
