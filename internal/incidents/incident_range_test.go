package incidents

func rangeIncidents() []*load { return nil }
