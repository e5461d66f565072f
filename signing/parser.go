package signing

// Parser parses calls and reuses its buffers, for callers that judge many calls. Its results are valid until
// its next use. It is not safe for concurrent use. The zero value is ready to use.
type Parser struct {
	head Head
	call Call
	buf  []byte
}

// keptMessage bounds the buffer that is kept after a long message.
const keptMessage = 4 << 10

// LenientCall is [ParseHeadString], and [ParseLenientCall] of the head. The strings in its results stay valid.
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
