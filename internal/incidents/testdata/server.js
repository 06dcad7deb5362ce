// A service: server.js PORT
require('http').createServer((_, answer) => answer.end('ok\n')).listen(Number(process.argv[2]));
