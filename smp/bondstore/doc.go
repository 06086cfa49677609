// Package bondstore keeps bonds on disk, one readable file each, so that a power cut leaves every bond as it
// was before or as it is after, and never anything else.
package bondstore
