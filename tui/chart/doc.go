// Package chart draws the pictures of the screen: the map of a port range, the fill curve of a
// port space with its forecast, rates and sparklines. It knows numbers and pens, neither
// snapshots nor colours: the caller gives a Pen for each role.
//
// Each picture has exactly the lines and cells that were asked for, whatever the values are,
// and can be read without colours: a state has its own characters.
//
// Axes, braille and blocks are those of ntcharts (linechart, canvas/graph, canvas/runes). What
// of it is not used, and why: its canvas has 656 bytes a cell and renders a style for each of
// them, 2.5 ms for 160x12 cells, so only the y axis lies on one, as narrow as the axis, and a
// sheet has the rest. timeserieslinechart averages a column, which hides the second in which a
// space was full, and takes the time from a clock. sparkline rounds small values to nothing.
// graph.DrawColumns loses the colour of the lower one of two columns.
package chart
