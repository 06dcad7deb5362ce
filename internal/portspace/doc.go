// Package portspace keeps which local ports are in use, where, and by which process.
//
// A host is never out of ports as such. connect() allocates from a connect space: the
// ports of one local address towards one remote address and port, in one network
// namespace. It can take every port of the range but three kinds:
//
//   - those that a connection to the same remote end holds, or its TIME_WAIT bucket;
//   - those that a bind() owns, whatever its address (the bind bucket is exclusive:
//     fastreuse or fastreuseport not negative, net/ipv4/inet_hashtables.c,
//     __inet_hash_connect), if it is of the same VRF: see BindTable;
//   - those that are reserved, ip_local_reserved_ports.
//
// bind() to port 0 allocates from a bind space: of one local address and device, towards any
// remote end.
//
// The Table is the only table of sockets in the program. It follows the stream and does no
// I/O. What single events cannot show is corrected by scans: Reconcile compares what a scan
// of all sockets has found with the table, and returns the differences as events of the
// stream. The table takes in every event before those who read it do: the rows of
// internal/aggregate, and Thresholds.
//
// A storm makes and drops sockets by the ten thousand each second, and leaves a bucket of each for
// a minute. So sockets are records of 64 bytes without pointers, in one store for all spaces, which
// finds them by space and port and chains those of a space. With a map in each space, as it was
// before, an event took a third more time and a bucket 94 bytes; in spaces with one socket each,
// which a scan of a network makes, 840 instead of 260, most of them now the Space. Maps never
// shrink, too: the store gives its room back when buckets have expired. A library of open
// addressing would be no smaller, as the sockets of a space must be found as well.
//
//	table.go       the events of the stream, applied to the table
//	socket.go      a socket; how it takes and releases its port
//	sockets.go     the store of the sockets; spaces.go: that of the spaces
//	bind_table.go  what the sockets of a VRF have in common, or those of none
//	vrf.go         the devices of a namespace come into other VRFs
//	owned.go       ports that a bind() owns
//	listeners.go   those that listen at one port
//	holder.go      which socket is in the way of a call that failed
//	complete.go    what the table knows of an event better than its source
//	netns.go       the range and settings of a namespace
//	gone.go        namespaces that exist no more
//	space.go       a connect space and its figures
//	figures.go     what is counted of its buckets, kept until they change; holdings.go: of its sockets
//	view.go        a space as seen by sockets with or without a range of their own
//	bind.go        bind spaces
//	udp.go         the same of UDP, counted from a list of all sockets
//	bucket.go      TIME_WAIT: expiry, reuse, correction by the kernel's count
//	expiry.go      when buckets expire
//	gauges.go      how many sockets there are in each state
//	growth.go      how fast bound ports become more
//	reconcile.go   a scan compared with the table
//	resync.go      the whole table as events; with these a stream begins in the middle of a run
//	thresholds.go  events for spaces that are nearly full, full, or ok again
package portspace
