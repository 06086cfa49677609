// Package layering holds nothing but the tests that hold the tree to its import table. Imports go down
// only: every package may import what its row in the table names, no layer knows the one above, and none
// reaches past its neighbour. A package without a row fails, and so does a third-party module that the
// table does not give to its importer.
//
//	supported                                        not supported
//	every .go file, whatever its build constraints   imports hidden behind reflection or cgo
//	tests, which may also import the test kits       generated files outside the tree
package layering
