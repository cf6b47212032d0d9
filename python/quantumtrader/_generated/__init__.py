"""Files written by `make gen`; never edited by hand."""
