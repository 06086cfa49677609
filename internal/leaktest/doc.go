// Package leaktest tells a test which goroutines of this module it left behind.
//
// A goroutine is ours when a function of this module is on its stack or has started it. Goroutines of
// the standard library and of the test runner are nobody's business here.
//
//	func TestClose(t *testing.T) {
//		leaktest.Check(t) // first, so that it runs after every other Cleanup
//		…
//	}
//
//	func TestMain(m *testing.M) { leaktest.Main(m) } // once for a whole package
//
//	supported                                   not supported
//	one test, its subtests, a synctest bubble   Check in a test that runs beside others (t.Parallel)
//	a whole package, parallel tests included    goroutines that only foreign code started and runs
package leaktest
