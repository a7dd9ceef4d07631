package node

// WorldPorts are the TCP ports at which every address of the world answers; at the first one it answers by UDP, too.
var WorldPorts = []int{53, 80, 443, 988, 5432}

// Greeting is what the world says to each TCP connection.
const Greeting = "hello\n"
