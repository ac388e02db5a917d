" SPDX-License-Identifier: Apache-2.0
" Neovim as the client of the server at $VIA_SOCKET, which serves visit.rpc.json. Ends with status 0 if all was as it should.
let s:server = sockconnect('pipe', $VIA_SOCKET, {'rpc': v:true})

function s:Fails(method, arguments, pattern) abort
    try
        call call('rpcrequest', [s:server, a:method] + a:arguments)
        call add(v:errors, a:method .. ' has not failed')
    catch
        call assert_match(a:pattern, v:exception)
    endtry
endfunction

" Called back by the server while rpcrequest() waits: it asks again, one level deeper.
function Deeper(level) abort
    return a:level == 0 ? 1 : 2 * rpcrequest(s:server, 'ask_back', 'Deeper(' .. (a:level - 1) .. ')')
endfunction

function s:Run() abort
    call assert_equal(42, rpcrequest(s:server, 'add', 40, 2))
    for number in range(200)
        call assert_equal(number * 2, rpcrequest(s:server, 'add', number, number))
    endfor
    call s:Fails('subtract', [1, 2], 'subtract: there is no such method')
    call s:Fails('add', [1], 'add: ')
    call s:Fails('add', [1, 'two'], 'add: b')
    call s:Fails('add', [1, 2147483648], 'out of range')
    call assert_equal(1, rpcnotify(s:server, 'remember', 1234))
    call assert_equal(1, rpcnotify(s:server, 'no_such_notification', 1))
    call assert_equal(1234, rpcrequest(s:server, 'recall'))
    call assert_equal(42, rpcrequest(s:server, 'ask_back', '6 * 7'))
    call assert_equal(32, Deeper(5))
    call s:Fails('ask_back', ['no_such_variable'], 'no_answer')
    call assert_equal(42, rpcrequest(s:server, 'add', 40, 2))
endfunction

try
    call s:Run()
catch
    call add(v:errors, v:throwpoint .. ': ' .. v:exception)
endtry
call chanclose(s:server)
if empty(v:errors)
    qall!
endif
echo join(v:errors, "\n")
cquit!
