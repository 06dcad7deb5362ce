// Package portspace keeps which local ports are in use, where, and by whom.
//
// A host is never out of ports as such. connect() draws from a connect space: the ports
// of one local address towards one remote address and port, in one network namespace. It
// can take every port of the range but three kinds:
//
//   - those that a connection to the same remote end holds, or its TIME_WAIT bucket;
//   - those that a bind() owns, whatever its address (the bind bucket is exclusive:
//     fastreuse or fastreuseport not negative, net/ipv4/inet_hashtables.c,
//     __inet_hash_connect);
//   - those that are reserved, ip_local_reserved_ports.
//
// bind() to port 0 draws from a bind space: of one local address, towards anywhere.
//
// The Table follows the stream and does no I/O. What it cannot learn from single events
// comes from a census, a look at all sockets that there are.
package portspace
