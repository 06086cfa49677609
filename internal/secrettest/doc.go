// Package secrettest looks for keys in what a package's tests print, which it runs once more for that.
//
//	supported                                           not supported
//	octets, hexadecimal digits, numbers, either order   compressed or encrypted text, base64
//	parts of seven octets, whatever stands between      keys that are made up, such as 1, 2, 3
package secrettest
