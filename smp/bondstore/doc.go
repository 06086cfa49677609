// Package bondstore keeps bonds on disk, one readable file each, so that a power cut leaves every bond as it
// was before or as it is after, and never anything else.
//
//	dir/                                              mode 0700
//	    lock                                          held by the process that writes
//	    identity.json                                 the host's own static address and identity resolving keys
//	    identity.json.previous                        the same again
//	    00-1D-85-F0-01-77-public/                     one folder per local identity, mode 0700
//	        00-1C-05-FF-F0-30-public.json             the bond with that peer, mode 0600
//	        00-1C-05-FF-F0-30-public.json.previous    the generation before it
//	        00-1C-05-FF-F0-30-public.json.damaged-1   a damaged file, set aside: at most nine
//	        00-1C-05-FF-F0-30-public.json.new         being written; removed by the next Open
//
// A file is written under a temporary name and fsynced; the current file becomes the previous one, the new
// one takes its name, and the folder is fsynced. Where a cut leaves no current file, the previous one is the
// bond. Deleting goes the other way round: the older generations first, fsync, then the current one, so
// that nothing older than what was deleted can ever come back.
//
// Every file is JSON and ends with a SHA-256 of all octets before the checksum's own line, so that damage,
// or a change by hand, is seen: such a file is reported, set aside and never deleted, and the previous
// generation is used. Keys and random values are hexadecimal in on-air order, least significant octet first,
// as the file itself says.
//
// Every file has a version. A later one is refused with ErrNewer and left alone: such a bond is not loaded,
// saving it fails, and only Delete removes it. Within a version a release may add fields that others need
// not know: those are ignored and not written back, since a field carried over from one generation of keys
// into the next could say something untrue of it. What must not be lost takes a new version.
//
// A folder that is open to others is tightened to 0700 when it holds nothing but what belongs here, and
// otherwise refused. A file that is open to others is tightened to 0600 and reported.
//
//	supported                                        not supported
//	Linux and other Unix systems                     modes, lock and fsync of folders on Windows
//	one writer, any number of readers                readers that see later changes
//	disks that are full, read-only or broken         encrypting what was set aside as damaged
//	encryption of every file, if given a key         keys that are changed, or held by hardware
//	file systems without hard links                  merging what two hosts have written
package bondstore
