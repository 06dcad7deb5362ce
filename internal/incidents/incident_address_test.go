package incidents

func addressIncidents() []*load { return nil }
