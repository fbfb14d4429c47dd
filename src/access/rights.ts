/** Letters of RFC 4314 and Courier, sorted: `aceilrstwx`. */
export type Rights = string;

export const allRights: Rights = 'aceilrstwx';
