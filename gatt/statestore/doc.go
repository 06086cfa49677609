// Package statestore keeps on disk what a GATT host has to remember of its peers: one file for each, beside the bonds.
//
//	dir/                                            mode 0700, made when there is something to keep
//	    00%3A1C%3A05%3AFF%3AF0%3A30%2Fpublic.json   mode 0600
//	    00%3A1C….json.new                           being written; removed by the next write
//
// A file is written under another name and fsynced, takes its name, and the folder is fsynced: after a power cut there is the text from before or
// the one from after. What is in it is package gatt's business; it can be made again by the peers, so there are no older generations.
//
//	supported                                     not supported
//	one process, any number of goroutines         several processes: the lock of the bonds beside it is held by one
//	names of any text                             a disk that fails: the error is the caller's
package statestore
