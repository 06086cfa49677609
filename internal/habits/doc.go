// Package habits holds nothing but a test that reads the whole tree for habits that no other tool looks
// for: tests that sleep or skip, files that grew too long, panics, and things left for later.
//
//	supported                                        not supported
//	Go source, by its syntax tree                    whether a comment is true
//	every other text file, by its words and length   data below testdata, binary files
package habits
