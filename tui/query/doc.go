// Package query is the language of the filter that is typed after "/".
//
// A filter has terms with blanks between them, and a row must match each of them.
//
//	nginx               has this text, in upper or lower case
//	"worker process"    has this text, blanks and signs included
//	/time.?wait/        has a match of this regular expression (RE2; upper case counts if it has any)
//	pid:1234  pid:1,2   has one of these process ids; pid:100-200 is a range
//	comm:nginx          the field has this text; with * or ? the whole field, comm:/^php/ a match
//	dest:10.0.0.0/8     towards these addresses; dest:10.77.0.2:9000, dest::443, dest:10.77. (beginning)
//	src:10.77.0.1       from these addresses
//	port:40000-40999    has one of these ports
//	>80%  <5%           more (less) of the ports taken
//	>100/s              more connections per second
//	close_wait:>10      more than this of a count
//	!TERM               does not match the term, as in !nginx, !pid:1 or !>80%
//
// A comma in the value of a field is "or"; in a number it is for reading, as in >1,000/s. Help has all fields.
//
// Where a filter cannot know, it does not select: a row whose percentage is not known matches
// neither >80% nor !>80%, and a table without units has no match of unit:x nor of !unit:x
// (Query.Unknown says so). A process without a unit is known to have none: !unit:x matches.
//
// The text is parsed after every key. Text that is a valid filter as far as it goes is one, so
// a quote or a regular expression need not be closed; else the error has what the term takes,
// and While decides what is in force. A term that begins with "/" and has another "/" inside,
// as /usr/sbin/nginx, is a path: text.
package query
