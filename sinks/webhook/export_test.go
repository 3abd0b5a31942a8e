package webhook

// Sign is open to the test of the specification's vector.
var Sign = sign
