package sim

// errorCases are scripts with what is said of them, word for word.
var errorCases = [][2]string{}
