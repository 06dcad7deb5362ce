package doctor

// Words returns what the confidence is founded on.
func (c Confidence) Words() string {
	return [...]string{
		"possible: one kind of evidence only",
		"likely: two independent kinds of evidence",
		"proved: counted, or full by the exact definition",
	}[c]
}

// Words returns what to mind before following the advice.
func (s Safety) Words() string {
	return [...]string{"safe", "check the risk first", "last resort"}[s]
}
