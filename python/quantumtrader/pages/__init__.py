"""What all offline pages share: one HTML file that loads nothing, numbers as people write them, two languages."""
