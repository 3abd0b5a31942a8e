// Package tamper looks for traces of somebody who disarms what is installed: a
// service that no longer begins with the host, files that others may change, a
// stranger under the agent's name, a module that is unloaded under it.
//
// It promises:
//
//   - A service counts as changed only against what it was seen to be: one that
//     never began by itself is noted and told to nobody. What was seen is a fact
//     of the host, which holds over restarts of dswatch.
//   - What is not installed is not looked at, and what was seen of it is
//     forgotten with it.
//   - Files are right that belong to root and that nobody else may write, the
//     folders above included; where users have other numbers than on the host,
//     nothing is said.
//   - It looks and changes nothing.
//
// It does not promise to notice a change that was taken back between two looks,
// nor, on Windows, to judge access lists.
package tamper
