"""`bench mutation`: how many small faults in the validator's own code its tests find (mutation testing).

Cosmic Ray's operators give the mutants; a seeded sample, spread over the files as their sites are, is
tried: each mutant in a copy of the checkout, against the tests that reach its line, quickest first.
"""
