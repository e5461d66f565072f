package signing

// Parser parses calls into memory of its own, which it uses again, for who
// judges many of them. What it returned last is good until its next use. It is
// not safe for concurrent use; its zero value is ready.
type Parser struct {
	head Head
	call Call
	buf  []byte
}

// keptMessage bounds the memory that one long message leaves behind.
const keptMessage = 4 << 10

// LenientCall is [ParseHeadString] and [ParseLenientCall] of the head. The strings
// in what it returns are parts of s, or made anew, and stay good.
func (p *Parser) LenientCall(s string) (*Call, *Head, error) {
	if err := p.head.parse(s); err != nil {
		return nil, nil, err
	}
	if p.buf == nil || cap(p.buf) > keptMessage {
		p.buf = make([]byte, 0, shortMessage)
	}
	if err := p.call.parse(&p.head, p.buf, true); err != nil {
		return nil, nil, err
	}
	p.buf = p.call.Message[:0]
	return &p.call, &p.head, nil
}
