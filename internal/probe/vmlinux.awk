# vmlinux.awk HEADER DUMP: prints HEADER with its generated part replaced from DUMP
# (bpftool btf dump file F format c) by the "keep" list in HEADER's comment.

FNR == NR && /^ \* keep / {
	line = substr($0, length(" * keep ") + 1)
	colon = index(line, ":")
	type = substr(line, 1, colon - 1)
	n = split(substr(line, colon + 1), members, " ")
	for (i = 1; i <= n; i++)
		keep[type, members[i]] = 1
	wanted[type] = 1
}
FNR == NR && /^\/\* generated from / { print "/* generated from " kernel " */"; headed = 1 }
FNR == NR && !headed { print }
FNR == NR { next }

# A type begins at the margin and ends with a brace at the margin.
/^(struct|enum|union) [a-z0-9_]+ \{$/ {
	type = $1 " " $2
	inside = type in wanted
	if (inside) {
		found[type] = 1
		print ""
	}
}
!inside { next }
/^[a-z}]/ || (type, "*") in keep { print }
/^\t/ && !((type, "*") in keep) {
	name = $0
	sub(/^\t+/, "", name)
	text = name
	sub(/( = [0-9]+)?,$/, "", name)                 # an enumerator
	sub(/( *: *[0-9]+)?;$/, "", name)               # a bit-field
	sub(/(\[[0-9]*\])+$/, "", name)
	sub(/^.*[ *]/, "", name)
	if ((type, name) in keep)
		print "\t" text
}
/^}/ { inside = 0 }

END {
	for (type in wanted)
		if (!(type in found))
			print "vmlinux.awk: no " type " in the dump" > "/dev/stderr"
	print "\n#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n\n#endif /* __VMLINUX_H__ */"
}
